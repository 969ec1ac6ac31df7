/* SPDX-License-Identifier: ISC */
#include "rm_kat.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define TAG	16

int
rm_kat_aead(uint8_t *ret, const char *cipher, const uint8_t *key,
    const uint8_t nonce[static 12], const uint8_t *aad, size_t aad_len,
    const uint8_t *text, size_t len)
{
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, rc = -1;

	if (c != NULL && ctx != NULL &&
	    EVP_EncryptInit_ex2(ctx, c, key, nonce, NULL) == 1 &&
	    (aad_len == 0 || EVP_EncryptUpdate(ctx, NULL, &n, aad,
	    (int)aad_len) == 1) &&
	    (len == 0 || EVP_EncryptUpdate(ctx, ret, &n, text,
	    (int)len) == 1) &&
	    EVP_EncryptFinal_ex(ctx, ret + len, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG,
	    ret + len) == 1)
		rc = 0;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(c);
	return rc;
}

int
rm_kat_x25519(uint8_t ret[static 32], const uint8_t secret[static 32],
    const uint8_t point[static 32])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
	    secret, 32);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL,
	    point, 32);
	EVP_PKEY_CTX *ctx = own != NULL ? EVP_PKEY_CTX_new(own, NULL) : NULL;
	size_t len = 32;
	int rc = -1;

	if (ctx != NULL && peer != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	    EVP_PKEY_derive(ctx, ret, &len) == 1 && len == 32)
		rc = 0;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	return rc;
}

int
rm_kat_hkdf(uint8_t *ret, size_t len, const char *digest, const uint8_t *key,
    size_t key_len, const uint8_t *salt, size_t salt_len, const uint8_t *info,
    size_t info_len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM p[5] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
		    (char *)(uintptr_t)digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
		    (void *)(uintptr_t)key, key_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
		    (void *)(uintptr_t)salt, salt_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
		    (void *)(uintptr_t)info, info_len),
		OSSL_PARAM_construct_end()
	};
	int rc = ctx != NULL && EVP_KDF_derive(ctx, ret, len, p) == 1 ? 0 : -1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return rc;
}

int
rm_kat_hmac(uint8_t *ret, size_t max, size_t *ret_len, const char *digest,
    const void *key, size_t key_len, const void *text, size_t len)
{
	return EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, key, key_len, text,
	    len, ret, max, ret_len) != NULL ? 0 : -1;
}
