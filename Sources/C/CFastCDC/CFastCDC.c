#include "CFastCDC.h"
