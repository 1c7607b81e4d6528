# Samples: every option with its default, and the least that serves.
examplesdir = $(docdir)/examples
dist_examples_DATA = conf/linnet.yaml conf/minimal.yaml

# Each module's chapter of the manual: modules/NAME/NAME.md for each NAME.so.
moduledocdir = $(docdir)/modules
install-data-hook:
	$(MKDIR_P) "$(DESTDIR)$(moduledocdir)"
	@for so in $(module_PROGRAMS); do name=`basename $$so .so`; \
	    $(INSTALL_DATA) $(srcdir)/modules/$$name/$$name.md "$(DESTDIR)$(moduledocdir)" || exit 1; \
	done
uninstall-hook:
	@for so in $(module_PROGRAMS); do name=`basename $$so .so`; \
	    rm -f "$(DESTDIR)$(moduledocdir)/$$name.md"; \
	done
	@for dir in $(moduledocdir) $(examplesdir) $(docdir) $(moduledir) $(pkglibdir); do \
	    rmdir "$(DESTDIR)$$dir" 2> /dev/null || true; \
	done
