# What an operating system wants to know of the daemon.
systemdunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d

nodist_systemdunit_DATA = contrib/linnetd.service
dist_sysusers_DATA = contrib/sysusers.d/linnet.conf
dist_tmpfiles_DATA = contrib/tmpfiles.d/linnet.conf
CLEANFILES += contrib/linnetd.service

contrib/linnetd.service: $(srcdir)/contrib/linnetd.service.in Makefile
	@mkdir -p contrib
	$(AM_V_GEN)sed -e 's|@sbindir@|$(sbindir)|g' -e 's|@bindir@|$(bindir)|g' \
	    -e 's|@sysconfdir@|$(sysconfdir)|g' $(srcdir)/contrib/linnetd.service.in > $@
