// SPDX-License-Identifier: MIT
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>
#include <unordered_map>
#include <vector>

/*
 * A heap as programs in C++ make them: objects with vtables that hold one
 * another, containers of all kinds and strings. One in a hundred of the orders
 * is leaked with what it holds.
 *
 *	gen_objects [BLOCKS]      at least so many; default 1,000,000
 *
 * Prints "ready BLOCKS LEAKED" and waits for a signal; SIGABRT leaves the core.
 */

namespace shop {

struct party {
	explicit party(std::string called) : name(std::move(called)) {}
	virtual ~party() = default;
	virtual double discount() const { return 0; }
	std::string name;
};

struct customer : party {
	using party::party;
	double discount() const override { return rate; }
	double rate = 0.02;
	std::map<uint64_t, std::string> notes;
};

struct item {
	virtual ~item() = default;
	uint64_t code = 0;
	double price = 0;
};

struct book : item {
	std::string title;
};

struct record : item {
	uint64_t tracks[4] = {};
};

struct order {
	std::shared_ptr<party> buyer;
	std::vector<std::unique_ptr<item>> items;
	std::list<uint64_t> payments;
	order *next = nullptr;
};

} // namespace shop

static uint64_t blocks, leaked, state = 0x9e3779b97f4a7c15u;
static std::vector<std::shared_ptr<shop::customer>> customers;
static std::unordered_map<uint64_t, shop::order *> orders;
static shop::order *last;

// Not inlined, so that gcc does not see malloc() in the one and free() in the other.
__attribute__((__noinline__)) void *operator new(size_t size)
{
	void *p = std::malloc(size);
	if (!p)
		std::abort();
	blocks++;
	return p;
}

__attribute__((__noinline__)) void operator delete(void *p) noexcept
{
	if (p)
		blocks--;
	std::free(p);
}

void operator delete(void *p, size_t) noexcept
{
	operator delete(p);
}

static uint64_t next_random()
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static std::string text()
{
	return std::string(8 + next_random() % 60, 'a' + next_random() % 26);
}

static void add_customer()
{
	auto c = std::make_shared<shop::customer>(text());
	for (unsigned i = 0; i < 4; i++)
		c->notes.emplace(next_random(), text());
	customers.push_back(std::move(c));
}

static shop::order *make_order()
{
	auto *o = new shop::order;
	o->buyer = customers[next_random() % customers.size()];
	for (unsigned i = 0; i < 3; i++) {
		if (next_random() % 2) {
			auto b = std::make_unique<shop::book>();
			b->title = text();
			o->items.push_back(std::move(b));
		} else {
			o->items.push_back(std::make_unique<shop::record>());
		}
		o->payments.push_back(next_random());
	}
	return o;
}

// Not inlined, so that no pointer stays in a register.
__attribute__((__noinline__)) static void leak()
{
	uint64_t before = blocks;
	shop::order *volatile o = make_order();
	(void)o;
	o = nullptr;
	leaked += blocks - before;
}

int main(int argc, char **argv)
{
	uint64_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10)
				   : 1000000;
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	for (unsigned turn = 0; blocks < wanted; turn++) {
		if (turn % 8 == 0)
			add_customer();
		shop::order *o = make_order();
		o->next = last;
		last = o;
		orders[next_random()] = o;
		if (turn % 100 == 99)
			leak();
	}
	std::printf("ready %llu %llu\n", (unsigned long long)blocks,
		    (unsigned long long)leaked);
	(void)std::fflush(stdout);
	for (;;)
		(void)pause();
}
