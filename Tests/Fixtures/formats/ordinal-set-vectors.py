import random, sys
from pyroaring import BitMap
import pyroaring
random.seed(20261129)
def line(name, b, opt=True):
    if opt: b.run_optimize()
    b.shrink_to_fit()
    print(f"{name} = {b.serialize().hex()}")
print(f"# Portable roaring bitmaps written by pyroaring {pyroaring.__version__} (CRoaring {getattr(pyroaring,'__croaring_version__','?')}), PyPI.")
print("# Made once, with run_optimize unless the name says plain; NAME = bytes, values in SwarmTests/OrdinalSetVectorTests.swift.")
line("empty", BitMap())
line("one", BitMap([7]))
line("three-plain", BitMap([1, 5, 65536 + 3]), False)
line("range", BitMap(range(10, 300)))
line("two-runs", BitMap(list(range(0, 100)) + list(range(65500, 65600))))
line("squares", BitMap(x * x for x in range(1, 500)))
line("four-blocks", BitMap(list(range(5, 70)) + [70000, 70002] + list(range(131072, 131072+40)) + [200000, 300000]))
line("full-block", BitMap(range(0, 65536)))
