#ifndef NIGHTLOG_TESTS_SIMULATION_NAIVE_NIGHTS_H_
#define NIGHTLOG_TESTS_SIMULATION_NAIVE_NIGHTS_H_

#include <map>
#include <string>

#include "tests/simulation/naive_record.h"

namespace nightlog::simulation {

// C7: whether each summary and progress among the records is what the log among them says, and none
// is missing. Looks at every entry for every night, with no index and no memory of what changed;
// counts of its own hold against the summaries. Empty, or what is wrong.
std::string CheckNights(const std::map<std::string, const NaiveRecord*>& records);

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_NAIVE_NIGHTS_H_
