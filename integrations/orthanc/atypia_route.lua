-- Has each new series of this Orthanc scored by Atypia, when no instance of it has come for a while (StableAge).
-- Research use only. Atypia fetches the series by DICOMweb and stores its results here: see README.md.
-- An event is told once: what falls into a time when Atypia does not answer is only in the log. atypia_route.py
-- remembers it.

local ADDRESS = os.getenv('ATYPIA_ADDRESS') or 'http://127.0.0.1:8000'
local SERVER = os.getenv('ATYPIA_SERVER') or 'pacs'  -- what Atypia's operator calls this Orthanc
local MODEL = os.getenv('ATYPIA_MODEL')              -- unset: Atypia chooses by the image
local MODALITIES = os.getenv('ATYPIA_MODALITIES') or 'CT,MR,CR,DX'

local function key()
  local file = io.open(os.getenv('ATYPIA_KEY_FILE') or '', 'r')
  if file == nil then return nil end
  local content = file:read('*l')
  file:close()
  return content
end

local function is_wanted(tags)
  -- Its own results come back by the same door.
  if tags['Manufacturer'] == 'Atypia' then return false end
  for modality in string.gmatch(MODALITIES, '[^,]+') do
    if tags['Modality'] == modality then return true end
  end
  return false
end

function OnStableSeries(series, tags, metadata)
  if not is_wanted(tags) then return end
  local study = ParseJson(RestApiGet('/series/' .. series .. '/study'))
  local reference = {
    dicomweb_server = SERVER,
    study_uid = study['MainDicomTags']['StudyInstanceUID'],
    series_uid = tags['SeriesInstanceUID'],
    results = SERVER,
    model = MODEL
  }
  local headers = { ['Content-Type'] = 'application/json' }
  local token = key()
  if token ~= nil then headers['Authorization'] = 'Bearer ' .. token end
  -- The log names a series as Orthanc does, by a number without meaning.
  local answer = HttpPost(ADDRESS .. '/score', DumpJson(reference, true), headers)
  if answer == nil or answer == '' then
    PrintRecursive('Atypia took no reference to series ' .. series)
  else
    PrintRecursive('Atypia was told of series ' .. series)
  end
end
