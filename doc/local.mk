dist_man_MANS = doc/linnetd.8 doc/linnetctl.8
dist_doc_DATA = README.md CHANGELOG.md doc/architecture.md doc/modules.md doc/performance.md \
	doc/rfc-6121.md doc/xep-0045.md doc/operating.md

# The options in the manual are those of the tables.
man_MANS = doc/linnet.yaml.5
CLEANFILES += doc/linnet.yaml.5 doc/options.5
EXTRA_DIST += doc/linnet.yaml.5.in
doc/linnet.yaml.5: doc/linnet.yaml.5.in src/linnetctl$(EXEEXT) $(module_PROGRAMS)
	$(AM_V_GEN)mkdir -p doc && src/linnetctl config reference > doc/options.5 && \
	    sed -e '/@OPTIONS@/{' -e 'r doc/options.5' -e 'd' -e '}' \
	    $(srcdir)/doc/linnet.yaml.5.in > $@.part && mv $@.part $@
