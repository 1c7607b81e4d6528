/*
 * Certificates for tests: made on the spot, in a folder of their own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_TLS_KIT_H
#define LN_TESTS_TLS_KIT_H

#include <stdbool.h>

/* Makes an empty folder; the path is valid until the next call. kit_remove() deletes it whole. */
const char *kit_folder(void);
void kit_remove(const char *folder);

/* FOLDER/NAME, valid until the fourth next call. */
const char *kit_path(const char *folder, const char *name);

/*
 * Writes a self-signed certificate and its key. `names` is what OpenSSL's
 * subjectAltName takes ("DNS:a.example,DNS:b.example") or NULL; `days` from
 * now, negative: it has expired.
 */
void kit_certificate(const char *crt, const char *key, const char *common_name, const char *names,
    int days);

void kit_write(const char *path, const char *text);

#endif
