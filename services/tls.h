#ifndef NIGHTLOG_SERVICES_TLS_H_
#define NIGHTLOG_SERVICES_TLS_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/options.h"

namespace nightlog {

// What TLS is served with.
struct Tls {
  // In PEM, as they are in their files.
  std::string certificate;
  std::string key;
  // With both, for TLS 1.2 and newer.
  std::shared_ptr<SSL_CTX> context;
  // When the certificate ends to be valid.
  absl::Time end;
};

// Reads the files of `options`. INVALID_ARGUMENT if they cannot be served: the message says which
// flag to look at. REQUIRES: there is a certificate.
absl::StatusOr<Tls> ReadTls(const Options& options);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_TLS_H_
