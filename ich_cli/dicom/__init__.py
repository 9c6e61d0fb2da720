"""From DICOM files to volumes in Hounsfield units."""
