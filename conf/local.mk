# Samples: every option with its default, and the least that serves.
examplesdir = $(docdir)/examples
dist_examples_DATA = conf/linnet.yaml conf/minimal.yaml

# Each module's chapter of the manual.
moduledocdir = $(docdir)/modules
dist_moduledoc_DATA = \
	modules/blocking/blocking.md \
	modules/carbons/carbons.md \
	modules/csi/csi.md \
	modules/disco/disco.md \
	modules/last/last.md \
	modules/offline/offline.md \
	modules/ping/ping.md \
	modules/private/private.md \
	modules/sasl_external/sasl_external.md \
	modules/sasl_plain/sasl_plain.md \
	modules/sasl_scram/sasl_scram.md \
	modules/time/time.md \
	modules/vcard/vcard.md \
	modules/version/version.md
