# Source this to run the jobs by hand from the repository root: `. scripts/env.sh`. The Makefile's recipes do the same.
export JAVA_HOME="$(cat .venv/java_home)"
export PYSPARK_PYTHON="$PWD/.venv/bin/python"
export PYSPARK_DRIVER_PYTHON="$PYSPARK_PYTHON"
export SEGMENTATION_JARS="$PWD/.jars"
export SPARK_LOCAL_IP=127.0.0.1 # local mode listens on the loopback only
export PATH="$PWD/.venv/bin:$PATH"
