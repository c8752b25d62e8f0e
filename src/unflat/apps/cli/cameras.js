// Where the photos were taken from, as small pyramids of lines.

const SHARE = 0.06;  // side of a pyramid, as a share of how far the cameras reach

// How far from the center the cameras stand, at most; at least the radius.
export function reachOf(cameras, { center, radius }) {
  return cameras.reduce((reach, { matrix }) => {
    const away = Math.hypot(...center.map((value, axis) => matrix[4 * axis + 3] - value));
    return Math.max(reach, away);
  }, radius);
}

// Ends of the eight lines of a camera: matrix is world_from_camera by rows (x right, y down, z forward).
export function frustumLines({ matrix, fov_deg: [across, down] }, reach) {
  const size = SHARE * reach, half = (degrees) => size * Math.tan((degrees * Math.PI) / 360);
  const place = (point) => [0, 1, 2].map((row) =>
    matrix[4 * row] * point[0] + matrix[4 * row + 1] * point[1] + matrix[4 * row + 2] * point[2] + matrix[4 * row + 3]);
  const x = half(across), y = half(down), apex = place([0, 0, 0]);
  const corners = [[-x, -y], [x, -y], [x, y], [-x, y]].map(([u, v]) => place([u, v, size]));
  return corners.flatMap((corner, index) => [apex, corner, corner, corners[(index + 1) % 4]]).flat();
}
