#include "storage/core/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "storage/core/check.h"

namespace nightlog {
namespace {

uint64_t LoadLane(absl::string_view digest, size_t lane) {
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) value = value << 8 | static_cast<uint8_t>(digest[8 * lane + i]);
  return value;
}

}  // namespace

std::string Sha256(absl::string_view bytes) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  // SHA256() looks the algorithm up each time, which takes longer than to hash a small row.
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(&hash[0]), nullptr,
                   kAlgorithm, nullptr) == 1);
  return hash;
}

StateHash::StateHash(absl::string_view bytes) : lanes_{} { Add(bytes); }

void StateHash::Add(absl::string_view digest) {
  if (digest.empty()) return;
  CHECK(digest.size() == 32);
  for (size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i] += LoadLane(digest, i);
  }
}

void StateHash::Remove(absl::string_view digest) {
  if (digest.empty()) return;
  CHECK(digest.size() == 32);
  for (size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i] -= LoadLane(digest, i);
  }
}

void StateHash::Add(const StateHash& other) {
  for (size_t i = 0; i < lanes_.size(); ++i) lanes_[i] += other.lanes_[i];
}

std::string StateHash::bytes() const {
  std::string bytes;
  for (uint64_t lane : lanes_) {
    for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(lane >> shift));
  }
  return bytes;
}

}  // namespace nightlog
