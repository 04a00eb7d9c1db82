#include "services/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

#include <fstream>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "storage/core/check.h"

namespace nightlog {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// Empty if it cannot be read.
std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Bio Reader(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
}

// The server's own comes first, then those between it and an authority.
bool UseCertificates(SSL_CTX* context, const std::string& pem) {
  const Bio reader = Reader(pem);
  const auto next = [&reader] {
    return Certificate(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr), X509_free);
  };
  const Certificate own = next();
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) return false;
  while (const Certificate between = next()) {
    if (SSL_CTX_add1_chain_cert(context, between.get()) != 1) return false;
  }
  return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

bool UseKey(SSL_CTX* context, const std::string& pem) {
  const auto no_password = [](char*, int, int, void*) { return 0; };
  const Key key(PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, no_password, nullptr),
                EVP_PKEY_free);
  return key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

}  // namespace

absl::StatusOr<Tls> ReadTls(const Options& options) {
  Tls tls;
  tls.certificate = ReadFile(options.tls_certificate);
  tls.key = ReadFile(options.tls_key);
  tls.context.reset(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(tls.context.get(), TLS1_2_VERSION);
  const bool has_certificates = UseCertificates(tls.context.get(), tls.certificate);
  const bool has_key = has_certificates && UseKey(tls.context.get(), tls.key);
  // What is left of an error would be taken for one of a connection.
  ERR_clear_error();
  if (!has_certificates) {
    return absl::InvalidArgumentError(absl::StrCat("--tls_certificate=", options.tls_certificate,
                                                   " cannot be read; give a PEM file."));
  }
  if (!has_key) {
    return absl::InvalidArgumentError(
        absl::StrCat("--tls_key=", options.tls_key,
                     " cannot be read, or is not the key of --tls_certificate; give a PEM file."));
  }
  tm end = {};
  CHECK(ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(tls.context.get())), &end) ==
        1);
  tls.end = absl::FromTM(end, absl::UTCTimeZone());
  return tls;
}

}  // namespace nightlog
