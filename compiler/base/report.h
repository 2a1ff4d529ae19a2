/* report.h: what was reported, for machines: the whole of it, as one document. */
#ifndef CNNC_BASE_REPORT_H
#define CNNC_BASE_REPORT_H

#include "base/text.h"
#include "unit.h"

/* As JSON of our own, which docs/BUILDING.md describes. */
void report_json(Unit *u, Text *t);

/* As SARIF 2.1.0 (OASIS 2020), which code hosts show beside the source. `version` is that of the compiler. */
void report_sarif(Unit *u, Text *t, const char *version);

#endif
