src_liblinnet_a_SOURCES +=
