# libheapscan: all rooms below cli/, one shared library with a stable interface.
set(rooms core backends symbols tls heap graph)
set(objects "")
foreach(room ${rooms})
  list(APPEND objects $<TARGET_OBJECTS:hs_${room}>)
endforeach()

add_library(heapscan SHARED ${objects})
target_include_directories(heapscan PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(heapscan PRIVATE
  hs_options PkgConfig::LIBELF hs_libdwarf Threads::Threads)
set_target_properties(heapscan PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_link_options(heapscan PRIVATE
  -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/heapscan.map
  -Wl,--no-undefined)
set_target_properties(heapscan PROPERTIES
  LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/heapscan.map)

# The same objects for tests, which look inside.
add_library(heapscan_inside STATIC ${objects})
target_include_directories(heapscan_inside PUBLIC
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
target_link_libraries(heapscan_inside PUBLIC
  hs_options PkgConfig::LIBELF hs_libdwarf Threads::Threads)
