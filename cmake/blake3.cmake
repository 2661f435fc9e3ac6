# hs_blake3: the official C implementation, as a library where the distribution
# has one, else compiled from the sources that Debian's librust-blake3-dev
# installs. Whichever it is, it picks the best instructions at run time.
add_library(hs_blake3 INTERFACE)
set(HS_BLAKE3_OBJECTS "")
pkg_check_modules(LIBBLAKE3 IMPORTED_TARGET libblake3)
if(LIBBLAKE3_FOUND)
  target_link_libraries(hs_blake3 INTERFACE PkgConfig::LIBBLAKE3)
  return()
endif()

file(GLOB blake3_folders "/usr/share/cargo/registry/blake3-*/c")
find_path(BLAKE3_SOURCE blake3.c HINTS ${blake3_folders} NO_DEFAULT_PATH)
if(NOT BLAKE3_SOURCE)
  message(FATAL_ERROR "BLAKE3 is missing: install libblake3-dev, or "
    "librust-blake3-dev, or set BLAKE3_SOURCE to the folder with blake3.c")
endif()
set(blake3_files blake3.c blake3_dispatch.c blake3_portable.c)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$" AND
    CMAKE_SIZEOF_VOID_P EQUAL 8)
  enable_language(ASM)
  foreach(set sse2 sse41 avx2 avx512)
    list(APPEND blake3_files blake3_${set}_x86-64_unix.S)
  endforeach()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  list(APPEND blake3_files blake3_neon.c)
endif()
list(TRANSFORM blake3_files PREPEND ${BLAKE3_SOURCE}/)
add_library(hs_blake3_objects OBJECT ${blake3_files})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(i[3-6]86|x86)$" OR
    (CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64)$" AND
      CMAKE_SIZEOF_VOID_P EQUAL 4))
  # Without assembler for it, the portable code does.
  target_compile_definitions(hs_blake3_objects PRIVATE BLAKE3_NO_SSE2
    BLAKE3_NO_SSE41 BLAKE3_NO_AVX2 BLAKE3_NO_AVX512)
endif()
target_include_directories(hs_blake3 SYSTEM INTERFACE ${BLAKE3_SOURCE})
set(HS_BLAKE3_OBJECTS $<TARGET_OBJECTS:hs_blake3_objects>)
