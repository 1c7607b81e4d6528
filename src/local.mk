# The two programs.  Modules find the server's functions in the daemon itself,
# so it is linked whole and exports what src/linnet/ declares.
sbin_PROGRAMS += src/linnetd
src_linnetd_SOURCES = src/linnetd.c
src_linnetd_LDFLAGS = $(AM_LDFLAGS) -rdynamic
src_linnetd_LDADD = $(LN_WHOLE_LIBRARY) $(linnet_libs)
src_linnetd_DEPENDENCIES = src/liblinnet.a

bin_PROGRAMS += src/linnetctl
src_linnetctl_SOURCES = src/linnetctl.c
src_linnetctl_LDFLAGS = $(AM_LDFLAGS) -rdynamic
src_linnetctl_LDADD = $(src_linnetd_LDADD)
src_linnetctl_DEPENDENCIES = src/liblinnet.a

# What modules are built against, elsewhere than here.
headerdir = $(includedir)/linnet
install-data-local:
	$(MKDIR_P) $(DESTDIR)$(headerdir)
	cd $(top_srcdir)/src/linnet && $(INSTALL_DATA) *.h *.def $(DESTDIR)$(headerdir)
uninstall-local:
	rm -rf $(DESTDIR)$(headerdir)
