#ifndef NIGHTLOG_TESTS_SIMULATION_CONSERVATION_H_
#define NIGHTLOG_TESTS_SIMULATION_CONSERVATION_H_

#include <string>

#include "storage/core/ids.h"
#include "storage/engine/engine.h"

namespace nightlog::simulation {

// C5: whether each value that the journal of the family holds stands in its record, agreed with one
// that stands, or was replaced by an edit that had seen it; and nothing stands that was replaced.
// Keeps every edit for ever and looks each question up. Empty, or what does not hold.
std::string CheckConservation(const ReadView& view, const FamilyId& family);

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_CONSERVATION_H_
