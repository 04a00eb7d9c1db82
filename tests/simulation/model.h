#ifndef NIGHTLOG_TESTS_SIMULATION_MODEL_H_
#define NIGHTLOG_TESTS_SIMULATION_MODEL_H_

#include <map>
#include <string>

#include "nightlog/v1/sync.pb.h"
#include "storage/core/ids.h"
#include "storage/engine/engine.h"

namespace nightlog::simulation {

// What an edit says, without who saw what: names a tap across re-sending and re-homing.
std::string ContentOf(const v1::Transaction& transaction);

// Checks a family of the store against its own journal, replayed by a naive model that keeps every
// edit for ever and looks each question up: promises C2, C5, C6 and C7 of DESIGN.md, and that the
// rows fit together (VerifyFamily). Empty if all holds, else what does not.
//
// `journalled` is filled with how often each content was committed.
std::string CheckFamily(const ReadView& view, const FamilyId& family,
                        std::map<std::string, int>& journalled);

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_MODEL_H_
