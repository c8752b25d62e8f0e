"""The uniform Laplacian of a mesh, as a sparse matrix."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags


def vertex_adjacency(edges: np.ndarray, count: int) -> csr_matrix:
    """Symmetric 0/1 matrix (count, count) of which vertices an edge (e, 2) joins."""
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    matrix = coo_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(count, count)).tocsr()
    matrix.data[:] = 1.0
    return matrix


def umbrella(adjacency: csr_matrix) -> csr_matrix:
    """Each vertex minus the mean of its neighbours."""
    degree = np.maximum(np.asarray(adjacency.sum(axis=1)).ravel(), 1.0)
    return (diags(np.ones(len(degree))) - diags(1.0 / degree) @ adjacency.astype(np.float64)).tocsr()
