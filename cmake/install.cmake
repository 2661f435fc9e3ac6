# cmake --install: command, library, public headers, pkg-config file, manual
# page, completions.
if(NOT TARGET heapscan_cli)
  return()
endif()
install(TARGETS heapscan_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS heapscan LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/heapscan
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE README.md CHANGES.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES docs/heapscan.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(DIRECTORY rules DESTINATION ${CMAKE_INSTALL_DATADIR}/heapscan)

# Absolute install folders are allowed (distributions use them).
foreach(dir LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(pc_${dir} "${CMAKE_INSTALL_${dir}}")
  else()
    set(pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
# The way from the .pc file up to the prefix, so that a tree can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH pc_up
    "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" pc_up "${pc_up}")
  set(pc_prefix "\${pcfiledir}/${pc_up}")
endif()
configure_file(cmake/heapscan.pc.in heapscan.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/heapscan.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Completions come from the command's own table, so they cannot fall behind.
if(NOT CMAKE_CROSSCOMPILING)
  set(completions ${PROJECT_BINARY_DIR}/completions)
  file(MAKE_DIRECTORY ${completions})
  foreach(shell bash zsh fish)
    add_custom_command(OUTPUT ${completions}/${shell}
      COMMAND heapscan_cli completion ${shell} > ${completions}/${shell}
      DEPENDS heapscan_cli VERBATIM)
    list(APPEND completion_files ${completions}/${shell})
  endforeach()
  add_custom_target(completions ALL DEPENDS ${completion_files})
  install(FILES ${completions}/bash RENAME heapscan
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${completions}/zsh RENAME _heapscan
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${completions}/fish RENAME heapscan.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
