"""Pure functions on arrays: cameras and rays, ray casting, distance fields, iso-surfaces, repair. Knows no files."""
