"""One figure of RAM: python -m benchmarks.models FOLDER A B one|swaps"""

import sys

from benchmarks.models.ram import measure

if __name__ == "__main__":
    measure(*sys.argv[1:])
