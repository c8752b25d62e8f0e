"""Batch: folders, patterns and manifests of pictures become models, on all cores or on a cluster, and a report.

In: items (pictures with wishes) and a place for results, both on disk or in an object store. Out: a folder for each
item, published whole or not at all; `report.parquet` and `report.html`. Must not know: the command line.
"""
