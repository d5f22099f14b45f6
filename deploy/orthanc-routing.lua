-- Orthanc sends CT perfusion series to the node once no more images come (StableAge seconds after the last).
-- In orthanc.json: "LuaScripts": ["/etc/orthanc/orthanc-routing.lua"], "StableAge": 10,
--                  "DicomModalities": {"perfusion": ["PERFUSION", "NODE", 11112]}
local node = 'PERFUSION'
local words = { 'perf', 'ctp', 'vpct' }

function OnStableSeries(series, tags, metadata)
  if tags['Modality'] ~= 'CT' then
    return
  end
  -- What the node itself made comes back to Orthanc: sending it on would go round for ever.
  local first = ParseJson(RestApiGet('/series/' .. series))['Instances'][1]
  if RestApiGet('/instances/' .. first .. '/metadata/RemoteAET') == node then
    return
  end
  local description = string.lower((tags['SeriesDescription'] or '') .. ' ' .. (tags['ProtocolName'] or ''))
  for _, word in ipairs(words) do
    if string.find(description, word, 1, true) then
      -- one association for the whole series, as a job of its own
      RestApiPost('/modalities/perfusion/store', DumpJson({ Resources = { series }, Synchronous = false }))
      return
    end
  end
end
