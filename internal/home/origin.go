package home

// Origin is where a file was made, as far as the file system tells. A copy or a
// backup that is opened is elsewhere. A file system in memory has no places:
// everything is zero there, as it is on systems without inodes.
type Origin struct {
	Host string `json:"host,omitempty"` // machine-id, or the host's name; at most maxHost bytes
	Dir  uint64 `json:"dir,omitempty"`  // inode of the directory
	File uint64 `json:"file,omitempty"` // inode of the file
}

// maxHost bounds [Origin.Host], whose length is a byte in some formats.
const maxHost = 255

// Origin returns where a file of the directory is now. It keeps its inode when
// it is renamed, so that it can be written into the file first.
func (d *Dir) Origin(name string) (Origin, error) {
	return whereabouts(d.FS, d.Path, d.File(name))
}
