# Every library we use, found once. Debian package names are in README.md.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(CGRAPH REQUIRED IMPORTED_TARGET libcgraph)
pkg_check_modules(GVC REQUIRED IMPORTED_TARGET libgvc)
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# Exports: pprof's files are gzip, and databases.
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3>=3.8)
# Regular expressions for search.
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)

# libdwarf: distributions put its headers into folders of many names, 2021's has
# no pkg-config file, and that of Debian 13 names a folder that is not there.
pkg_check_modules(LIBDWARF QUIET libdwarf)
find_path(LIBDWARF_INCLUDE libdwarf.h HINTS ${LIBDWARF_INCLUDE_DIRS}
  PATH_SUFFIXES libdwarf-2 libdwarf-1 libdwarf-0 libdwarf REQUIRED)
find_library(LIBDWARF_LIBRARY dwarf HINTS ${LIBDWARF_LIBRARY_DIRS} REQUIRED)
add_library(hs_libdwarf INTERFACE)
target_include_directories(hs_libdwarf INTERFACE ${LIBDWARF_INCLUDE})
target_link_libraries(hs_libdwarf INTERFACE ${LIBDWARF_LIBRARY})

# Memory Slices: hashes and encryption, passphrases, codecs.
pkg_check_modules(LIBCRYPTO REQUIRED IMPORTED_TARGET libcrypto>=1.1.1)
pkg_check_modules(LIBARGON2 REQUIRED IMPORTED_TARGET libargon2)
pkg_check_modules(LIBZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(LIBLZ4 REQUIRED IMPORTED_TARGET liblz4)
include(cmake/blake3.cmake)
add_library(hs_slice_libraries INTERFACE)
target_link_libraries(hs_slice_libraries INTERFACE
  PkgConfig::LIBCRYPTO PkgConfig::LIBARGON2 PkgConfig::LIBZSTD
  PkgConfig::LIBLZ4 hs_blake3)

# libiberty: demangling. A static library without a pkg-config file.
find_path(LIBIBERTY_INCLUDE demangle.h PATH_SUFFIXES libiberty REQUIRED)
find_library(LIBIBERTY_LIBRARY iberty REQUIRED)
add_library(hs_libiberty INTERFACE)
target_include_directories(hs_libiberty SYSTEM INTERFACE ${LIBIBERTY_INCLUDE})
target_link_libraries(hs_libiberty INTERFACE ${LIBIBERTY_LIBRARY})
