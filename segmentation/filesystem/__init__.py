"""Every operation on the files of a lake, of inputs, of landed messages and of sites.

The file system is that of the path, as Spark understands it: a path without a scheme is on Spark's default file system
(`fs.defaultFS`), which on Databricks and on a Hadoop cluster is not the driver's disk. A test forbids other modules to
open, list or delete such files by themselves.
"""

from segmentation.filesystem.files import (
    create_file,
    delete_path,
    glob_paths,
    is_empty_file,
    is_stored,
    list_entries,
    list_folders,
    modified_ms,
    move_file,
    read_file,
    read_first_line,
    replace_file,
    write_text,
)
from segmentation.filesystem.local import write_private
from segmentation.filesystem.paths import as_pattern, is_local, local_path, qualified, scheme_of

__all__ = [
    "as_pattern",
    "create_file",
    "delete_path",
    "glob_paths",
    "is_empty_file",
    "is_local",
    "is_stored",
    "list_entries",
    "list_folders",
    "local_path",
    "modified_ms",
    "move_file",
    "qualified",
    "read_file",
    "read_first_line",
    "replace_file",
    "scheme_of",
    "write_private",
    "write_text",
]
