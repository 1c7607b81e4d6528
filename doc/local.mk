dist_man_MANS = doc/linnetd.8 doc/linnetctl.8 doc/linnet.yaml.5
dist_doc_DATA = README.md CHANGELOG.md doc/architecture.md doc/performance.md
