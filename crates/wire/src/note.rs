//! What was lost or changed in translation, as data.
