# One folder, one library. DEPENDS is the dependency law; see
# docs/architecture.md. tests/check_layers.sh checks the includes.

add_library(hs_options INTERFACE)
target_compile_definitions(hs_options INTERFACE
  _GNU_SOURCE _FILE_OFFSET_BITS=64 HS_VERSION="${PROJECT_VERSION}")
target_compile_options(hs_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes
  -Wmissing-prototypes -Wvla -Wpointer-arith -Wundef)
if(HS_WERROR)
  target_compile_options(hs_options INTERFACE -Werror)
endif()
if(HS_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  if(HS_SANITIZE STREQUAL "thread")
    set(sanitizers -fsanitize=thread)
  endif()
  target_compile_options(hs_options INTERFACE ${sanitizers})
  target_link_options(hs_options INTERFACE ${sanitizers})
endif()
if(HS_FUZZ)
  target_compile_options(hs_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(hs_layer name)
  cmake_parse_arguments(L "" "" "SOURCES;DEPENDS;EXTERNAL" ${ARGN})
  list(TRANSFORM L_DEPENDS PREPEND hs_)
  add_library(hs_${name} OBJECT ${L_SOURCES})
  target_include_directories(hs_${name} PUBLIC
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
  target_link_libraries(hs_${name} PUBLIC hs_options ${L_EXTERNAL})
endfunction()
