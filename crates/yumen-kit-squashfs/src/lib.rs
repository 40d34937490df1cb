//! Reads squashfs images: for the plugins of file systems and of upgrade bundles that are squashfs inside (RAUC).
