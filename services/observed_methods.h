#ifndef NIGHTLOG_SERVICES_OBSERVED_METHODS_H_
#define NIGHTLOG_SERVICES_OBSERVED_METHODS_H_

#include "services/log.h"
#include "services/methods.h"
#include "services/metrics.h"

namespace nightlog {

// The same methods, whose calls are observed, whichever door they come in by: all are counted, and
// what fails for a reason of the server's own (INTERNAL, UNKNOWN, DATA_LOSS) is logged. All must
// outlive what is returned.
Methods ObserveMethods(const Methods& methods, const Log& log, Metrics& metrics);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_OBSERVED_METHODS_H_
