/*
 * Loading certificates, and saying what is wrong with them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "net/tls_impl.h"

struct loading {
	struct tls *tls;
	tls_report_fn report;
	void *arg;
	unsigned mistakes;
};

static void
mistake(struct loading *loading, const char *file, const char *reason)
{
	loading->mistakes++;
	if (loading->report != NULL)
		loading->report(file, reason, loading->arg);
}

/* OpenSSL's own words for its last error. */
static const char *
openssl_reason(void)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error))
						   : ERR_reason_error_string(error);

	return text != NULL ? text : "not understood";
}

static bool
can_read(struct loading *loading, const char *file)
{
	char reason[100];

	if (access(file, R_OK) == 0)
		return true;
	snprintf(reason, sizeof reason, "cannot be read: %s", strerror(errno));
	mistake(loading, file, reason);
	return false;
}

static bool
fail(struct loading *loading, const char *file, const char *what)
{
	char reason[200];

	snprintf(reason, sizeof reason, "%s (%s)", what, openssl_reason());
	mistake(loading, file, reason);
	return false;
}

static bool
read_pair(struct loading *loading, SSL_CTX *ctx, const char *file, const char *key_file)
{
	ERR_clear_error();
	if (!can_read(loading, file) ||
	    (strcmp(file, key_file) != 0 && !can_read(loading, key_file)))
		return false;
	if (SSL_CTX_use_certificate_chain_file(ctx, file) != 1)
		return fail(loading, file, "holds no usable PEM certificate");
	if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) == 1)
		return true;
	if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH) {
		mistake(loading, key_file, "is not the key of the certificate beside it");
		return false;
	}
	return fail(loading, key_file, "holds no usable PEM key without password");
}

static void
load_pair(struct loading *loading, const char *host, const char *file, const char *key_file)
{
	struct tls *tls = loading->tls;
	struct certificate *certificate, **last = &tls->certificates;
	SSL_CTX *ctx = tls_new_ctx(tls);

	if (!read_pair(loading, ctx, file, key_file)) {
		SSL_CTX_free(ctx);
		return;
	}
	certificate = xcalloc(1, sizeof *certificate);
	certificate->ctx = ctx;
	certificate->file = xstrdup(file);
	certificate->key_file = xstrdup(key_file);
	certificate->host = host != NULL ? xstrdup(host) : NULL;
	certificate->names = tls_names_of(SSL_CTX_get0_certificate(ctx));
	while (*last != NULL)
		last = &(*last)->next;
	*last = certificate;
	if (host != NULL)
		tls_add_name(tls, host, certificate);
	for (char **name = certificate->names; host == NULL && *name != NULL; name++)
		tls_add_name(tls, *name, certificate);
}

/* --- the directory ----------------------------------------------------------- */

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* NAME.crt and NAME.key */
static void
load_crt(struct loading *loading, const char *path)
{
	char *key = xasprintf("%.*s.key", (int)(strlen(path) - 4), path);

	load_pair(loading, NULL, path, key);
	free(key);
}

/* NAME/fullchain.pem and NAME/privkey.pem; other folders are none of ours. */
static void
load_folder(struct loading *loading, const char *path)
{
	char *chain = xasprintf("%s/fullchain.pem", path);
	char *key = xasprintf("%s/privkey.pem", path);

	if (access(chain, F_OK) == 0)
		load_pair(loading, NULL, chain, key);
	free(chain);
	free(key);
}

static void
load_entry(struct loading *loading, const char *directory, const char *name)
{
	size_t len = strlen(name);
	char *path = xasprintf("%s/%s", directory, name);

	if (name[0] != '.' && len > 4 && strcmp(name + len - 4, ".crt") == 0)
		load_crt(loading, path);
	else if (name[0] != '.' && is_directory(path))
		load_folder(loading, path);
	free(path);
}

static void
load_directory(struct loading *loading, const char *directory)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, NULL, alphasort);
	char reason[100];

	if (count < 0) {
		snprintf(reason, sizeof reason, "cannot be read: %s", strerror(errno));
		mistake(loading, directory, reason);
		return;
	}
	for (int i = 0; i < count; i++) {
		load_entry(loading, directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/* --- the set ----------------------------------------------------------------- */

static int
minimum_version(struct loading *loading, const char *text)
{
	if (text == NULL || strcmp(text, "1.2") == 0)
		return TLS1_2_VERSION;
	if (strcmp(text, "1.3") != 0)
		mistake(loading, NULL, "the minimum version of TLS is \"1.2\" or \"1.3\"");
	return TLS1_3_VERSION;
}

/* Every file of a directory: only some are certificates, and many are links to one. */
static void
load_authorities_of(SSL_CTX *base, const char *directory)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, NULL, NULL);

	for (int i = 0; i < count; i++) {
		char *path = xasprintf("%s/%s", directory, entries[i]->d_name);

		if (entries[i]->d_name[0] != '.' && !is_directory(path))
			SSL_CTX_load_verify_file(base, path);
		free(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/*
 * All of them now: OpenSSL's own way looks into the directory when a certificate is verified, and
 * that is on a worker. The bundle, which has them all, spares the directory.
 */
void
tls_load_system(SSL_CTX *base)
{
	const char *file = getenv(X509_get_default_cert_file_env());
	const char *directory = getenv(X509_get_default_cert_dir_env());
	bool loaded =
	    SSL_CTX_load_verify_file(base, file != NULL ? file : X509_get_default_cert_file()) == 1;

	if (directory != NULL)
		load_authorities_of(base, directory);
	else if (!loaded)
		load_authorities_of(base, X509_get_default_cert_dir());
	ERR_clear_error();
}

static void
load_authorities(struct loading *loading, const char *file)
{
	SSL_CTX *base = loading->tls->base;

	ERR_clear_error();
	if (file == NULL || strcmp(file, "system") == 0)
		tls_load_system(base);
	else if (can_read(loading, file) && SSL_CTX_load_verify_file(base, file) != 1)
		fail(loading, file, "holds no PEM certificates of authorities");
}

struct tls *
tls_load(const struct tls_config *config, tls_report_fn report, void *arg)
{
	struct loading loading = { NULL, report, arg, 0 };

	loading.tls = tls_new(minimum_version(&loading, config->minimum));
	load_authorities(&loading, config->authorities);
	for (size_t i = 0; i < config->n_pairs; i++) {
		const struct tls_pair *pair = &config->pairs[i];

		load_pair(&loading, pair->host, pair->certificate,
		    pair->key != NULL ? pair->key : pair->certificate);
	}
	if (config->directory != NULL)
		load_directory(&loading, config->directory);
	if (loading.mistakes > 0)
		tls_unref(&loading.tls);
	return loading.tls;
}

/* --- checks ------------------------------------------------------------------ */

static int64_t
seconds(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* Whether the chain in the file leads to an authority; expiry is told apart. */
static const char *
chain_error(const struct tls *tls, const struct certificate *certificate)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = NULL;
	const char *error = NULL;

	SSL_CTX_get0_chain_certs(certificate->ctx, &chain);
	if (store == NULL ||
	    X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(tls->base),
		SSL_CTX_get0_certificate(certificate->ctx), chain) != 1)
		abort();
	X509_STORE_CTX_set_purpose(store, X509_PURPOSE_SSL_SERVER);
	X509_STORE_CTX_set_flags(store, X509_V_FLAG_NO_CHECK_TIME);
	if (X509_verify_cert(store) != 1)
		error = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	X509_STORE_CTX_free(store);
	return error;
}

void
tls_each(const struct tls *tls, void (*each)(const struct tls_certificate *, void *arg), void *arg)
{
	for (struct certificate *one = tls->certificates; one != NULL; one = one->next) {
		X509 *x509 = SSL_CTX_get0_certificate(one->ctx);
		char *subject = X509_NAME_oneline(X509_get_subject_name(x509), NULL, 0);
		char *issuer = X509_NAME_oneline(X509_get_issuer_name(x509), NULL, 0);
		struct tls_certificate info = {
			.file = one->file,
			.key_file = one->key_file,
			.names = (const char *const *)one->names,
			.subject = subject,
			.issuer = issuer,
			.not_before = seconds(X509_get0_notBefore(x509)),
			.not_after = seconds(X509_get0_notAfter(x509)),
			.chain_error = chain_error(tls, one),
			.host = one->host,
		};

		each(&info, arg);
		OPENSSL_free(subject);
		OPENSSL_free(issuer);
	}
}
