# Every library we use, found once. Debian package names are in README.md.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(CGRAPH REQUIRED IMPORTED_TARGET libcgraph)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# libdwarf: 0.x has a pkg-config file and other signatures than 2021's.
pkg_check_modules(LIBDWARF IMPORTED_TARGET libdwarf>=0.1)
if(LIBDWARF_FOUND)
  add_library(hs_libdwarf ALIAS PkgConfig::LIBDWARF)
else()
  find_path(LIBDWARF_INCLUDE libdwarf.h PATH_SUFFIXES libdwarf REQUIRED)
  find_library(LIBDWARF_LIBRARY dwarf REQUIRED)
  add_library(hs_libdwarf INTERFACE)
  target_include_directories(hs_libdwarf INTERFACE ${LIBDWARF_INCLUDE})
  target_link_libraries(hs_libdwarf INTERFACE ${LIBDWARF_LIBRARY})
  target_compile_definitions(hs_libdwarf INTERFACE HS_LIBDWARF_2021)
endif()

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
