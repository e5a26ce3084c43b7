//! Physical lines grouped into klog records.
