"""Package metadata; tools are configured in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent


def read_version() -> str:
    """Read `__version__` from the package's text, so that building needs none of its dependencies."""
    text = (HERE / "segmentation" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, flags=re.MULTILINE)
    if found is None:
        message = "segmentation/__init__.py has no __version__"
        raise RuntimeError(message)
    return found.group(1)


def read_long_description() -> str:
    """Read the README where there is one."""
    path = HERE / "README.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def list_entry_points() -> list[str]:
    """One command per file in jobs/: `build-sessions = jobs.build_sessions:main`."""
    names = sorted(path.stem for path in (HERE / "jobs").glob("*.py") if not path.stem.startswith("_"))
    return [f"{name.replace('_', '-')} = jobs.{name}:main" for name in names]


setup(
    name="customer-segmentation",
    version=read_version(),
    description="Customer segmentation from behavioural events, on Spark, Delta Lake and MLflow",
    long_description=read_long_description(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    packages=find_packages(include=["segmentation", "segmentation.*", "jobs", "jobs.*"]),
    package_data={"segmentation": ["py.typed", "review/templates/*"], "jobs": ["py.typed"]},
    zip_safe=False,
    python_requires=">=3.10",
    install_requires=[
        "pyspark>=4.2,<4.3",
        "delta-spark>=4.4,<5",
        "mlflow>=3.17,<4",
        "pandas>=2.2,<3",
        "pyarrow>=18",
        "plotly>=6",
        "pydantic>=2.7",
        "pyyaml>=6",
        "rich>=13",
        "scipy>=1.13",
        "scikit-learn>=1.5",
        "hmmlearn>=0.3.3",
        "threadpoolctl>=3.1",
        "matplotlib>=3.8",
        "ua-parser[regex]>=1",
    ],
    extras_require={"pull": ["dlt>=1.31,<2"]},
    entry_points={"console_scripts": list_entry_points()},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Developers",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Scientific/Engineering",
    ],
)
