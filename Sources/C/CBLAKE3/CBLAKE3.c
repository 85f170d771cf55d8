#include "CBLAKE3.h"
