# build/PRESET/cli/heapscan-static: the command in one file, for machines on
# which nothing can be installed. It is linked from the objects that exist
# anyway, so it costs one link. Graphviz comes without archives on Debian and is
# left out; the other libraries' archives come with their headers there. Where
# one is missing, nothing fails: the file HS_STATIC_MISSING says which.
set(static_libraries dwarf elf iberty jansson crypto argon2 zstd lz4 sqlite3 z m)
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
file(WRITE ${PROJECT_BINARY_DIR}/static-missing "${missing}\n")
if(missing)
  message(STATUS "no static command; missing:${missing}")
  return()
endif()

add_executable(heapscan_static ${PROJECT_SOURCE_DIR}/cli/out_dot_none.c
  $<FILTER:$<TARGET_OBJECTS:heapscan_cli>,EXCLUDE,/out_dot\\.c>)
target_include_directories(heapscan_static PRIVATE ${PROJECT_SOURCE_DIR})
target_include_directories(heapscan_static PRIVATE
  ${PROJECT_SOURCE_DIR}/include)
# The rooms as an archive of objects; of their libraries only the archives.
target_link_libraries(heapscan_static PRIVATE
  $<TARGET_FILE:heapscan_inside>
  -Wl,--start-group ${archives} -Wl,--end-group)
add_dependencies(heapscan_static heapscan_inside)
# -static-pie: what reads hostile files keeps its random addresses.
target_link_options(heapscan_static PRIVATE
  -static-pie -s -Wl,--gc-sections)
# libcrypto can look up hosts and load engines. We ask for neither, but the
# linker warns of it each time.
include(CheckLinkerFlag)
check_linker_flag(C -Wl,--no-warnings HS_LINKER_NO_WARNINGS)
if(HS_LINKER_NO_WARNINGS)
  target_link_options(heapscan_static PRIVATE -Wl,--no-warnings)
endif()
set_target_properties(heapscan_static PROPERTIES
  OUTPUT_NAME heapscan-static
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/cli
  LINK_DEPENDS $<TARGET_FILE:heapscan_inside>)
