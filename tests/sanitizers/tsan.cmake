# Preset `tsan` reads this right after project(): every program gets tsan_abseil.cc.
add_library(tsan_abseil OBJECT ${CMAKE_CURRENT_LIST_DIR}/tsan_abseil.cc)
target_compile_features(tsan_abseil PRIVATE cxx_std_17)
link_libraries($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:tsan_abseil>>)
