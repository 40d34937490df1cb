//! Archives and compressed streams: zip, tar, gzip, xz, zstd, bzip2, lz4, 7z, cpio, ar, deb, rpm.
