# Each module is a plain shared object, NAME.so, loaded by the daemon with
# dlopen(): no libtool.  A new module adds its name and its sources here.
moduledir = $(pkglibdir)/modules
module_PROGRAMS =
module_cflags = $(AM_CFLAGS) -fPIC -fvisibility=hidden
module_ldflags = $(LN_LDFLAGS) -shared
