# build/PRESET/cli/heapscan-static: the command in one file, for machines on
# which nothing can be installed. It is linked from the objects that exist
# anyway, so it costs one link. Graphviz comes without archives on Debian and is
# left out; the other libraries' archives come with their headers there. Where
# one is missing, nothing fails: the file HS_STATIC_MISSING says which.
set(static_libraries dwarf elf iberty jansson crypto argon2 zstd lz4 sqlite3 pcre2-8 z m)
if(TARGET PkgConfig::LIBBLAKE3)
  list(PREPEND static_libraries blake3)
endif()

set(missing "")
if(HS_SANITIZE OR HS_FUZZ)
  set(missing " (the sanitizers cannot be linked statically)")
endif()
set(archives "")
foreach(library ${static_libraries} c)
  # Not found by its suffix alone: a name with .a never gives the shared one.
  find_library(STATIC_${library} NAMES lib${library}.a)
  if(NOT STATIC_${library})
    string(APPEND missing " lib${library}.a")
  elseif(NOT library STREQUAL "c")
    list(APPEND archives ${STATIC_${library}})
  endif()
endforeach()
# Since Debian 13 liblz4.a takes its checksums from there.
find_library(STATIC_xxhash NAMES libxxhash.a)
if(STATIC_xxhash)
  list(APPEND archives ${STATIC_xxhash})
endif()
# Debian 13's libelf.a lacks functions of its own (elfutils 0.192): where the
# archives do not link as they are, cli/static_libelf.c has those.
set(static_extra "")
if(NOT missing)
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_LIBRARIES
    -Wl,--start-group ${archives} -Wl,--end-group)
  set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie)
  set(calls "char elf_begin(void), dwarf_init_b(void), json_dumps(void);
    int main(void) { return elf_begin() + dwarf_init_b() + json_dumps(); }")
  check_c_source_compiles("${calls}" HS_STATIC_LINKS)
  if(NOT HS_STATIC_LINKS)
    set(static_extra ${PROJECT_SOURCE_DIR}/cli/static_libelf.c)
    file(READ ${static_extra} libelf_part)
    set(CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)
    check_c_source_compiles("${libelf_part} ${calls}" HS_STATIC_LINKS_WITH_PART)
    unset(CMAKE_REQUIRED_DEFINITIONS)
  endif()
  check_c_source_compiles("char LZ4F_decompress(void);
    int main(void) { return LZ4F_decompress(); }" HS_STATIC_LINKS_LZ4)
  unset(CMAKE_REQUIRED_LIBRARIES)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  if(NOT HS_STATIC_LINKS AND NOT HS_STATIC_LINKS_WITH_PART)
    set(missing " parts of libelf.a or libdwarf.a (they do not link)")
  endif()
  if(NOT HS_STATIC_LINKS_LZ4)
    string(APPEND missing " libxxhash.a, which liblz4.a needs here")
  endif()
endif()
file(WRITE ${PROJECT_BINARY_DIR}/static-missing "${missing}\n")
if(missing)
  message(STATUS "no static command; missing:${missing}")
  return()
endif()

add_executable(heapscan_static ${PROJECT_SOURCE_DIR}/cli/out_dot_none.c
  ${PROJECT_SOURCE_DIR}/cli/line_plain.c ${static_extra}
  $<FILTER:$<TARGET_OBJECTS:heapscan_cli>,EXCLUDE,/out_dot\\.c|/line_edit\\.c>)
target_include_directories(heapscan_static PRIVATE ${PROJECT_SOURCE_DIR})
target_include_directories(heapscan_static PRIVATE
  ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(heapscan_static PRIVATE _GNU_SOURCE)
# The rooms as an archive of objects; of their libraries only the archives.
target_link_libraries(heapscan_static PRIVATE
  $<TARGET_FILE:heapscan_inside>
  -Wl,--start-group ${archives} -Wl,--end-group)
add_dependencies(heapscan_static heapscan_inside)
# -static-pie: what reads hostile files keeps its random addresses.
target_link_options(heapscan_static PRIVATE
  -static-pie -s -Wl,--gc-sections -Wl,-z,pack-relative-relocs
  -Wl,--no-eh-frame-hdr -Wl,-T,${PROJECT_SOURCE_DIR}/cmake/static.ld)
# The linker warns of what libcrypto and SQLite could look up or load and we
# never ask for. It stays: --no-warnings would hide unresolved names as well.
set_target_properties(heapscan_static PROPERTIES
  OUTPUT_NAME heapscan-static
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/cli
  LINK_DEPENDS $<TARGET_FILE:heapscan_inside>)
