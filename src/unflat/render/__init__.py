"""Pictures of meshes on the CPU, without a display. Knows no files and no stages."""
