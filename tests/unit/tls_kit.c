/*
 * Certificates for tests. See tls_kit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tls_kit.h"

#include <check.h>
#include <ftw.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

const char *
kit_folder(void)
{
	static char path[64];

	snprintf(path, sizeof path, "/tmp/linnet-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	return path;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void
kit_remove(const char *folder)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
kit_path(const char *folder, const char *name)
{
	static char paths[4][300];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%.150s/%.140s", folder, name);
	return path;
}

void
kit_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void
add_extension(X509 *x509, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ck_assert_ptr_nonnull(extension);
	X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
}

static X509 *
make(EVP_PKEY *key, const char *common_name, const char *names, int days)
{
	X509 *x509 = X509_new();
	X509_NAME *subject = X509_get_subject_name(x509);

	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600L * 24 * 400);
	X509_gmtime_adj(X509_getm_notAfter(x509), 3600L * 24 * days);
	X509_set_pubkey(x509, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
	    -1, -1, 0);
	X509_set_issuer_name(x509, subject);
	if (names != NULL)
		add_extension(x509, NID_subject_alt_name, names);
	ck_assert_int_gt(X509_sign(x509, key, EVP_sha256()), 0);
	return x509;
}

void
kit_certificate(const char *crt, const char *key_path, const char *common_name, const char *names,
    int days)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = make(key, common_name, names, days);
	FILE *file = fopen(crt, "w");

	PEM_write_X509(file, x509);
	fclose(file);
	file = fopen(key_path, "w");
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	X509_free(x509);
	EVP_PKEY_free(key);
}
