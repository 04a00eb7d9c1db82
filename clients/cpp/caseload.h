#ifndef NIGHTLOG_CLIENTS_CPP_CASELOAD_H_
#define NIGHTLOG_CLIENTS_CPP_CASELOAD_H_

#include <map>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "clients/cpp/backoff.h"
#include "clients/cpp/connection.h"
#include "storage/core/ids.h"
#include "storage/core/random.h"

namespace nightlog {

// What is known of one family of a caseload: all records the caller may see, as of one cursor.
struct WatchedFamily {
  std::string name;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  v1::Cursor cursor;
  std::map<RecordId, v1::Record> records;
};

// The live view of all families a consultant may see, in memory. It resumes after a lost connection
// from the version it has of each family, and shows nothing between two bookmarks.
class Caseload {
 public:
  // Is told what changed; all calls come from the thread that runs Run().
  class Observer {
   public:
    virtual ~Observer() = default;
    // The family came into view, or `changed` of its records are new or changed (gone ones too,
    // after a reset).
    virtual void OnFamily(const FamilyId& id, const WatchedFamily& family,
                          const std::set<RecordId>& changed) = 0;
    // The family is no longer in view, and forgotten. `message` says why.
    virtual void OnFamilyLeft(const FamilyId& id, const std::string& message) = 0;
    // OK: connected. Otherwise why not; it is tried again.
    virtual void OnConnection(const absl::Status& status) = 0;
  };

  // Both must outlive this.
  Caseload(Connection& connection, Random& random, const BackoffOptions& backoff = {});

  // Watches until Stop(), or until an error that trying again does not cure, which is returned. At
  // most one call at once.
  absl::Status Run(Observer& observer);

  // Makes Run() return OK soon, for good. Thread-safe.
  void Stop();

 private:
  // Records of a family since its last bookmark.
  struct Staged {
    bool reset = false;
    std::map<RecordId, v1::Record> records;
  };

  absl::Status WatchOnce(Observer& observer, Backoff& backoff);
  void Apply(const v1::WatchResponse& message, Observer& observer);

  Connection& connection_;
  Random& random_;
  const BackoffOptions backoff_;
  // Of the thread that runs Run().
  std::map<FamilyId, WatchedFamily> families_;
  std::map<FamilyId, Staged> staged_;

  absl::Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  ServerStream<v1::WatchResponse>* stream_ ABSL_GUARDED_BY(mu_) = nullptr;
};

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_CASELOAD_H_
