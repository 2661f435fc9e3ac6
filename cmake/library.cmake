# libheapscan: all rooms below cli/, one shared library with a stable interface.
set(rooms core backends symbols tls heap graph types)
set(objects "")
foreach(room ${rooms})
  if(TARGET hs_${room})
    list(APPEND objects $<TARGET_OBJECTS:hs_${room}>)
  endif()
endforeach()

list(APPEND objects ${HS_BLAKE3_OBJECTS})

add_library(heapscan SHARED ${objects})
target_include_directories(heapscan PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(heapscan PRIVATE
  hs_options PkgConfig::LIBELF hs_libdwarf hs_libiberty hs_slice_libraries
  Threads::Threads)
set_target_properties(heapscan PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_link_options(heapscan PRIVATE
  -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/heapscan.map)
# clang links the sanitizers' runtime into programs only, so that a library
# of a sanitized build has names left open.
if(NOT HS_SANITIZE AND NOT HS_FUZZ)
  target_link_options(heapscan PRIVATE -Wl,--no-undefined)
endif()
set_target_properties(heapscan PROPERTIES
  LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/heapscan.map)

# The same objects for tests, which look inside.
add_library(heapscan_inside STATIC ${objects})
target_include_directories(heapscan_inside PUBLIC
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
target_link_libraries(heapscan_inside PUBLIC
  hs_options PkgConfig::LIBELF hs_libdwarf hs_libiberty hs_slice_libraries
  Threads::Threads)
