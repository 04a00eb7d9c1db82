#include "storage/core/random.h"

#include <openssl/rand.h>

#include "storage/core/check.h"

namespace nightlog {

std::string SystemRandom::Bytes(size_t count) {
  std::string bytes(count, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&bytes[0]), static_cast<int>(count)) == 1);
  return bytes;
}

}  // namespace nightlog
