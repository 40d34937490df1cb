//! Packets of networks.
use crate::bus::Bus;
use crate::out::Out;
use yumen_model::InspectError;
#[derive(Default)]
pub(crate) struct Net;
impl Net {
    pub(crate) fn ethernet(
        &mut self,
        _frame: &[u8],
        _time: f64,
        _at: u64,
        _bus: &mut Bus,
        _out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        Ok(())
    }
    pub(crate) fn finish(&mut self, _bus: &mut Bus, _out: &mut Out<'_>) -> Result<(), InspectError> {
        Ok(())
    }
}
