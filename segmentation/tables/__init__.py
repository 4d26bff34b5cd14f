"""One contract per table: grain, keys, columns, types, units, meaning of null, layout, retention, writer."""
